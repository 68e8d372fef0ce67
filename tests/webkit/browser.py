#!/usr/bin/python3
"""A window of WebKitGTK of the size of a phone, driven by WebKitWebDriver. What pages store stays in the folder of its argument.

MiniBrowser, which WebKitWebDriver starts otherwise, stores nothing under automation and is wider than a phone.
"""

import signal
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402

WIDTH, HEIGHT = 390, 844

profile = sys.argv[1]
data = WebKit2.WebsiteDataManager(base_data_directory=f"{profile}/data", base_cache_directory=f"{profile}/cache")
context = WebKit2.WebContext(website_data_manager=data)
context.set_automation_allowed(True)
cookies = context.get_cookie_manager()
cookies.set_persistent_storage(f"{profile}/cookies.sqlite", WebKit2.CookiePersistentStorage.SQLITE)

view = WebKit2.WebView(web_context=context, is_controlled_by_automation=True)
view.set_size_request(WIDTH, HEIGHT)
window = Gtk.Window(decorated=False, resizable=False)
window.add(view)
window.show_all()


def start(_, session):
    """Gives the session its one view."""
    application = WebKit2.ApplicationInfo()
    application.set_name("mukkeum-webkit")
    session.set_application_info(application)
    session.connect("create-web-view", lambda _: view)


context.connect("automation-started", start)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, Gtk.main_quit)
Gtk.main()
