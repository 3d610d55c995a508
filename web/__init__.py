"""A page and an HTTP API around prediction/, in one process.

    settings   limits, address, token
    refusals   what is answered where something cannot be done
    workplace  folders of uploads and results, and their end
    lanes      work that waits in line, up to a bound
    service    the network and what all requests share
    uploads    files of a request, checked before they are worked on
    tasks      a form to work: what predict.py does, for the files of a request
    jobs       work that takes minutes
    hosts      who a request was meant for, and which web page sent it
    guard      sender, bytes, time and token of a request, looked at before anything else
    connections  an end to those that wait
    log        messages, of which there may be so many
    api        the routes of photos; schema: what OpenAPI says of them
    jobs_api   the routes of jobs
    camera     a browser's camera
    reference  the page /docs
    server     all of it, put together
    page/      what people see
"""
