"""Runs that outlive a browser tab: store, worker process, supervisor, hub and the service in front of them."""
