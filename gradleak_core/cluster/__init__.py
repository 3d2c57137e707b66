"""Runs on a Ray cluster: what a server or a sweep is given with `--cluster`. Nothing else imports Ray.

Ray is the extra `cluster`. This machine must be a node of the cluster, and every node needs the same GradLeak.
"""
