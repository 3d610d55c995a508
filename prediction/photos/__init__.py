"""From photos on disk to mattes on disk.

    plan       which files go together, and what is still to be made
    read_pair  a src and its bgr, read and brought to one size
    pipeline   reading, matting and writing, side by side
    sheet      the image that shows some results
    unzip      a ZIP of photos as folders
"""
