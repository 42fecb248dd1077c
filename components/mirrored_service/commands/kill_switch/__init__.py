"""The kill switch: one command after which no live request of a stack's service is copied any more.

It needs Python, `pulumi` and `kubectl`, and no package: nothing has to be installed in an emergency.
"""
