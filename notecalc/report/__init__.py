"""What a reader sees: tables as text, the memo and its charts. Nothing here computes: every figure is a deal's."""
