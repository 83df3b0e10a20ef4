"""A stand-in for Saleor's Dashboard: the frames, widgets and messages that apps get from it, and nothing else of it.

It speaks the AppBridge of dashboard 3.23.27 with its traps, as `dashboard-facts.md` found them: frames asked for twice, tokens by
message only, POST widgets without a handshake, every frame of an origin answered for each of them, the Dashboard's own query in
front of the app's. `tests/browser/test_shell.py` proves it with a page that only listens.
"""
