"""What the commands of `python -m gradleak_core` do; imported when a command is given, so that `--help` is quick."""
