"""The process: start and stop, its options, its log, its privileges."""
