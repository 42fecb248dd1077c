"""What tests, benchmarks and demos share: load that counts every request, scratch stacks, scenarios, checks."""
