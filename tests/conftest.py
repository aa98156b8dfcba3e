"""What all properties have in common."""

from hypothesis import settings

# The first example of many compiles: how long one takes says nothing. All else is as it was.
settings.register_profile("admf", parent=settings(), deadline=None)
settings.load_profile("admf")
