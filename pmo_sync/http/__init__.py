"""How servers are reached: sessions that retry, one limiter for each server, proxies and tokens, recordings."""
