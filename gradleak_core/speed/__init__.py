"""What makes it faster and changes no result. A reader who never opens it misses nothing but time."""
