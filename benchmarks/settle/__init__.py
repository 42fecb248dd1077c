"""How long do proxies need to take in a change of routes, on a mesh at rest and on a busy one?"""
