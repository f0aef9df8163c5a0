"""Musical time: bars and beats, and the tempo along a timeline. Imports `limits` and `errors` alone."""
