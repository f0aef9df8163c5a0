"""Networks as the engine sees them: what each can hear, estimate and write. One file a network."""
