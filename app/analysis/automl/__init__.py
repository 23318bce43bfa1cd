"""AutoML: a typed table and a target in, a leaderboard and a model that answers out.

``options`` and ``tasks`` load nothing heavy, and are what the API process may import; all
else here is meant for a child process.
"""
