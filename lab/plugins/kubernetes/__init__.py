"""Stand-in for Pulumi's Kubernetes provider, pulumi-resource-kubernetes. docs/stand-ins.md says what it leaves out."""
