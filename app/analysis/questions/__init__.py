"""Questions in plain English → a plan → one SELECT → an answer with its figures, or an honest no."""
