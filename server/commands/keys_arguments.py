"""The arguments of `sightline keys`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_keys_arguments(parser: argparse.ArgumentParser) -> tuple[argparse.ArgumentParser, ...]:
    """The arguments of this command; returns the parsers of what it does, for those that all of it takes."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    adding = actions.add_parser("add", help="make a key and print it, this one time")
    adding.add_argument("name", help="whose it is, such as the name of a person or a program")
    rights = "view (default): look, check pictures, answer alerts; admin: everything"
    adding.add_argument("--rights", choices=["view", "admin"], default="view", help=rights)
    listing = actions.add_parser("list", help="print the names, rights and ages of the keys")
    revoking = actions.add_parser("revoke", help="remove a key, and end within seconds what was opened with it")
    revoking.add_argument("name", help="the name that it was made with")
    return adding, listing, revoking
