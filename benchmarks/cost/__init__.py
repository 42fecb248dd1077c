"""What the component costs: time and memory of previews and updates that change nothing."""
