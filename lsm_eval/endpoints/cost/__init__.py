"""The cost of requests to a server: prices, upper bounds, what was spent, and a spending limit."""
