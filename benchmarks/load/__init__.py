"""Load: what is sent to a server that is measured, by processes of their own."""
