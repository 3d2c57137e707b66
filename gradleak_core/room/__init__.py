"""The room of a server, in which a class takes part by phone: its people, its settings and its games."""
