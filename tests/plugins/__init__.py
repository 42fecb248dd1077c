"""The language host that the lab has in place of Pulumi's."""
