"""Mattes of what a camera sees, as it sees it.

    capture     images of a camera, or of a file that stands in for one
    session     what is made of them: keys and images in, images out; knows neither window nor camera
    recording   a video file of them
    preview     a window, its keys, and what is written into it
    virtual     a camera for other programs
    run         all of it, for the options of a camera, from one image to the next
"""
