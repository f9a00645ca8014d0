"""Sound of a finished clip: music, voice and ambience mixed, levelled to a platform's loudness, beats of the music."""
