"""A page and an HTTP API around prediction/, in one process.

    limits     how much may be uploaded and made, and the checks of that
    settings   limits as they were set, address, token
    refusals   what is answered where something cannot be done
    storage    folders of uploads and results, and their end
    lanes      work that waits in line, up to a bound
    service    the network and what all requests share
    uploads    fields and files of a request
    inspection what is asked of files before they are worked on, in processes of their own
    tasks      a form to work: what predict.py does, for the files of a request
    jobs       work that takes minutes
    hosts      who a request was meant for, and which web page sent it
    guard      sender, bytes, time and token of a request, looked at before anything else
    connections  an end to those that wait
    log        messages, of which there may be so many
    api        the routes of photos; schema: what OpenAPI says of them
    jobs_api   the routes of jobs
    camera     a browser's camera
    docs_page  the page /docs
    server     all of it, put together
    page/      what people see
"""
