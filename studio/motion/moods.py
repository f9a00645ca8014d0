"""Words of mood, praise and bare motion: "cinematic", "make it move", "4k".

Knows words in lower case. Refuses to know what they do to a sentence: by themselves they name nothing that could move.
"""

from __future__ import annotations

from studio.motion.lexicon import MODIFIERS, words

MOODS = MODIFIERS | words(
    "make makes making move moves moving movement movements motion motions animate animates animated animation life alive"
    " lively come bring brings photo photograph picture image video clip film movie scene shot turn into do something anything"
    " stuff thing things cool nice great good better best amazing awesome stunning beautiful gorgeous perfect wow magic"
    " magical epic dramatic viral trendy pop popping catchy vibe vibes vibey mood moody atmosphere atmospheric aesthetic"
    " dreamy dynamic cinematic cinema realistic realism real natural naturally organic way style stylish look looks like feel"
    " feeling high quality hd uhd 4k 8k hdr ultra masterpiece professional pro smooth effect effects creative fun interesting"
    " engaging eye catching pic pics vid reel reels story tiktok instagram add some more please product brand whatever random"
    " surprise it's masterful hollywood blockbuster vintage retro 3d 2d parallax depth action energetic energy powerful subtle"
    " slight gentle camera everything here want need give put made loop looping gif live wonderful lovely pretty intense"
    " emotional emotion ambient ambience minimal"
)
"""Words of mood, praise and bare motion: a sentence of these alone names nothing that could move."""
