"""The stand-ins for Pulumi's plugins, against the lab's real API server and under the real engine."""
