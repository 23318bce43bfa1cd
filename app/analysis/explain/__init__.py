"""Explain: how much each column matters, and why one row got its prediction.

Everything here works on functions that predict, whatever is behind them: a single model or
an ensemble. It knows nothing of how models are trained.
"""
