"""How long do proxies need to take in a change of routes, at rest and at the worst?"""
