"""Records in a database, through SQLAlchemy Core."""
