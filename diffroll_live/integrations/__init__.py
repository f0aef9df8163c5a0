"""Other programs: DAWs that our scripts are installed into, and Ableton Live driven from outside."""
