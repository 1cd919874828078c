"""What end-to-end tests share: a real daemon, a manager client, audio files."""
