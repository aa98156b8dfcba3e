"""The two runners: blocks of history, and one closed bar at a time; one program under both."""
