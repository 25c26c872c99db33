"""What a convertible note is worth: contract and market as arrays, one finite-difference engine, three models."""
