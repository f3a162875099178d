"""The full-screen view of `top`: what it shows, kept current by threads, and the screens."""
