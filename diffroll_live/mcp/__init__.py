"""A server for assistants (Model Context Protocol): the running daemon's tasks as tools. One more client over OSC."""
