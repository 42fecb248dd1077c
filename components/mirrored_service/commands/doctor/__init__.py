"""`doctor`: what endangers a mirrored service, in the mesh, in the cluster and in what others own.

`reading` reads the cluster once, with kubectl and the user's access; `subject` says which service is judged; a
module a topic has the checks, which are pure; `judging` lists them. What may not be read is "not checked", never
healthy.
"""
