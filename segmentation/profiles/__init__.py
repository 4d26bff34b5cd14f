"""Traits of persons: what events tell about a person, such as plan, country and consent, and when it holds."""
