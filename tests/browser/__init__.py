"""Pages in Debian's Chromium. What bites inside the Dashboard (`dashboard-facts.md` 0), and why it does not here:

1  asked for twice: the shell has no data and is the same each time (`test_door.test_a_frame_that_is_asked_for_twice...`)
2  no token in the URL: the session is made from the message (`test_door.test_nothing_ambient_opens_a_page`)
3  POST widgets hear nothing: they come whole and ask for `widgetResize` alone (`test_pages.test_the_order_widget_holds_...`)
4  frames hear each other: there is no GET widget, and answers are matched by `actionId` (`bridge.js`)
5  `redirect` reloads the frame: pages move by `updateRouting` (`test_pages.test_the_address_follows_...`)
6  theme and locale are told once: the document stays, pages are put into it; both are kept for widgets
7  popups get no newer token: it is exchanged at once (`test_pages.test_a_popup_whose_token_is_over_...`)
8  an empty token: a sentence (`test_pages.test_staff_with_fewer_permissions`)
9  the Dashboard's query comes first: the shop is the one that signed, and its parameters are never read (`test_door`)
10 parameters twice: none of them is read but `orderId` and `customerId` of popups, which come once
11 the sandbox attribute: dialogs are `<dialog>`, nothing confirms, prints or copies (`test_door.test_the_policy_...`)
12 PDFs are blocked in frames: documents are saved (`test_pages.test_a_held_order_...`)
13 third-party cookies: there is no cookie
14 addresses are joined in three ways, 15 menus with other targets, 16 unknown mounts, 18 default methods: `test_manifest`
17 `requiredSaleorVersion` is Saleor's to refuse
19 widgets are told no version: none is asked for
20 the path of `redirect` events: they are not listened to (`bridge.js`)
"""
