"""Sound files of web servers, kept here while they are fresh."""
