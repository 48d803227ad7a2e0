"""The main job on one machine: the simulator, Ringfence beside it, and a ransomware story played through both."""
