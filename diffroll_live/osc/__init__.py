"""The OSC wire: datagrams to typed messages and back. No sockets, no state."""
