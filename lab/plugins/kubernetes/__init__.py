"""Stand-in for Pulumi's Kubernetes provider. docs/stand-ins.md says what it leaves out."""
