"""How much audio a file has, where its header does not know or libsndfile would not read it all. Decodes nothing."""
