"""Accounts: sign-up and sign-in, tokens, API keys, and who is asking."""
