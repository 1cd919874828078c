"""What all unit tests share: how Hypothesis runs. How long an example takes says nothing on a busy machine."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
