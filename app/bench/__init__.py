"""What `enmusubi bench` measures: the engine beside what an engineer would pick instead.

Each task is a function from a `Collection` to `Measured` rows: ours and its peers, asked in turn in
one run, so that both meet the same machine. The peers are in the extra `bench`; one that is not
installed is named as missing and never guessed.
"""
