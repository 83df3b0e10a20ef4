"""Pages for the vendor's staff inside the Saleor Dashboard: server-rendered, with htmx and one small bridge.

**How a page is added.** One module here with `router` and `PAGE = Page(path, word, permission, router)`, one template that
extends `layout.html`, its words in `words/<page>.py` (listed in `words.ROOMS`), and the page in `application.PAGES`:

    @router.get("/payments")
    async def show(staff: OrderStaff, request: Request) -> Response:
        async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
            rows, table = await listed(session, query, request.query_params, columns=..., ...)
        return staff.page("payments.html", rows=rows, table=table)

    @router.post("/payments/undo")
    async def undo(staff: OrderStaff, form: Posted) -> Response:
        ...                                                      # a ResellerError is told beside the form, which stays as it is
        return staff.go("/payments", "task_done")                # the word `notice_task_done` becomes the Dashboard's own notice

The first parameter names who may (`visit.OrderStaff`, `UserStaff`, `AppStaff` ...); `staff.need(...)` asks for more. A form is
`<form method="post" action="{{ base }}/...">` with an empty `<div class="problem">`; what destroys something is asked by
`parts.ask` in a dialog. `data-download` saves a file, `data-to` opens a page of the Dashboard, `data-remember` on the page (block
`remember`) keeps how its table was left. A form that carries a file names its path in `Page.uploads` and has `data-max-bytes` on
its input. The Dashboard puts parameters of its own into addresses: `id`, `domain`, `theme`, `asc` and
`sort` are never ours. Nothing is inline, neither `style=` nor `<script>`: the policy forbids both. A new page goes into
`tests/browser/test_pages.py`; where it needs a mount, into `manifest.json`.
"""
