"""The engine on a Ray cluster: nodes, replicas, and how a daemon and an archive reach them. Ray stays in here."""
