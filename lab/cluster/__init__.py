"""What runs: the processes, network and control groups of a cluster, Istio; the lab as a whole in lab.py."""
