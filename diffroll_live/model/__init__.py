"""The diffusion model of piano rolls: front end, networks, denoiser, samplers, decoding. Imports `music`."""
